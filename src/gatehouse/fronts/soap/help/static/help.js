// Tabs for the samples, buttons that copy, and the form that calls a method. Without this the page shows every sample.
"use strict";

const root = document.documentElement;
// At once, so that the page does not first show what the tabs will hide.
root.classList.add("has-script");

// What lies below the address of the service, seen from this page: the folder above that of this script.
const below = new URL("../", document.currentScript.src);
const secretHeaders = ["applicationToken", "credentialsToken"];
const hidden = "••••••";

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// --- samples -------------------------------------------------------------------------------------------------------

const sampleSets = [];

function choose(language, near) {
  const before = near?.getBoundingClientRect().top;
  for (const { tabs } of sampleSets) {
    for (const { tab, sample } of tabs) {
      const isChosen = sample.dataset.language === language;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      sample.hidden = !isChosen;
    }
  }
  // Samples above have other heights now: what the reader clicked stays where it was.
  if (near) scrollBy({ top: near.getBoundingClientRect().top - before, behavior: "instant" });
}

function onTabKey(event) {
  const tabs = [...event.currentTarget.querySelectorAll("[role=tab]")];
  const at = tabs.indexOf(event.target);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (at < 0 || to === undefined) return;
  event.preventDefault();
  const tab = tabs[(to + tabs.length) % tabs.length];
  choose(tab.dataset.language, event.currentTarget);
  tab.focus();
}

function makeTabs(samples) {
  const list = make("div", { className: "tabs" });
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-label", samples.dataset.label);
  const tabs = [...samples.querySelectorAll(".sample")].map((sample) => {
    const heading = sample.querySelector("h3");
    const tab = make("button", { type: "button", id: `${sample.id}-tab`, textContent: heading.textContent });
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", sample.id);
    tab.dataset.language = sample.dataset.language;
    tab.addEventListener("click", () => choose(tab.dataset.language, list));
    sample.setAttribute("role", "tabpanel");
    sample.setAttribute("aria-labelledby", tab.id);
    heading.remove();
    list.append(tab);
    return { tab, sample };
  });
  list.addEventListener("keydown", onTabKey);
  const chosen = () => tabs.find(({ sample }) => !sample.hidden).sample.querySelector("code").textContent;
  samples.prepend(make("div", { className: "bar" }, list, copyButton(chosen, "Copy")));
  sampleSets.push({ list, tabs });
}

// --- copying -------------------------------------------------------------------------------------------------------

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Browsers have no clipboard for pages without TLS, but still know this.
  const area = make("textarea", { value: text, className: "unseen" });
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  if (!isCopied) throw new Error("not copied");
}

function copyButton(text, label) {
  const button = make("button", { type: "button", className: "copy", textContent: label });
  let pause;
  button.addEventListener("click", async () => {
    let told = "Copied";
    try {
      await copy(text());
    } catch {
      told = "Not copied";
    }
    button.textContent = document.getElementById("copied").textContent = told;
    clearTimeout(pause);
    pause = setTimeout(() => {
      button.textContent = label;
      document.getElementById("copied").textContent = "";
    }, 2000);
  });
  return button;
}

// --- the form ------------------------------------------------------------------------------------------------------

function show(id, text) {
  const code = document.getElementById(id);
  code.textContent = text;
  code.classList.remove("is-empty");
}

function fieldset(method) {
  return document.querySelector(`fieldset[data-method="${method}"]`);
}

function pick(method) {
  document.getElementById("method").value = method;
  document.getElementById("named").textContent = method;
  for (const each of document.querySelectorAll("fieldset[data-method]")) {
    each.hidden = each.disabled = each.dataset.method !== method;
  }
}

function readForm(form, method) {
  const headers = { "Content-Type": "application/json" };
  const members = {};
  const shown = {};
  for (const input of form.querySelectorAll("[data-header]")) {
    if (input.value.trim()) headers[input.dataset.header] = input.value.trim();
  }
  for (const input of fieldset(method).querySelectorAll("[data-member]")) {
    const value = input.type === "checkbox" ? input.checked : input.value;
    if (value === "" || value === false) continue;
    members[input.dataset.member] = value;
    // Whoever looks over one's shoulder, or at a picture of the page, need not read passwords.
    shown[input.dataset.member] = input.type === "password" ? hidden : value;
  }
  return { headers, members, shown };
}

function written(url, headers, shown) {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${secretHeaders.includes(name) ? hidden : value}`);
  return [`POST ${url.pathname} HTTP/1.1`, `Host: ${url.host}`, ...lines, "", JSON.stringify(shown, null, 2)].join("\n");
}

// What a login gave is what the next calls need.
function keep(result) {
  if (result?.CredentialsToken) document.getElementById("credentials-token").value = result.CredentialsToken;
  if (result?.EncodedCookie) document.getElementById("try-DecodeLoginCookie-Cookie").value = result.EncodedCookie;
}

function tellOutcome(response, result, milliseconds) {
  const outcome = document.getElementById("outcome");
  outcome.className = response.ok && (result === true || result?.IsSuccess) ? "is-good" : "is-bad";
  const parts = [`HTTP ${response.status}, ${milliseconds} ms`];
  if (result?.Key) {
    const link = make("a", { textContent: `${result.Code} ${result.Key}` });
    link.href = new URL(`help/codes#${result.Key}`, below).href;
    parts.unshift(link, " – ");
  }
  outcome.replaceChildren(...parts);
}

async function send(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const button = form.querySelector("button");
  const method = document.getElementById("method").value;
  const url = new URL(method, below);
  const { headers, members, shown } = readForm(form, method);
  show("sent", written(url, headers, shown));
  show("received", "…");
  document.getElementById("outcome").replaceChildren();
  button.disabled = true;
  const started = performance.now();
  try {
    const body = JSON.stringify(members);
    const response = await fetch(url, { method: "POST", headers, body, credentials: "omit", cache: "no-store" });
    const text = await response.text();
    const answer = JSON.parse(text);
    show("received", JSON.stringify(answer, null, 2));
    tellOutcome(response, answer.d, Math.round(performance.now() - started));
    keep(answer.d);
  } catch {
    show("received", "The service gave no answer that could be read.");
  } finally {
    button.disabled = false;
    // On a phone the answer is far below the button.
    document.getElementById("outcome").scrollIntoView({ block: "nearest" });
  }
}

document.addEventListener("DOMContentLoaded", () => {
  for (const samples of document.querySelectorAll(".samples")) makeTabs(samples);
  choose(document.querySelector(".sample").dataset.language);
  for (const where of document.querySelectorAll(".where")) {
    where.append(copyButton(() => where.querySelector("code").textContent, "Copy"));
  }
  for (const each of document.querySelectorAll(".try-this")) each.hidden = false;
  for (const link of document.querySelectorAll("[data-try]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      pick(link.dataset.try);
      document.getElementById("try").scrollIntoView();
      document.getElementById("method").focus({ preventScroll: true });
    });
  }
  document.getElementById("method").addEventListener("change", (event) => pick(event.target.value));
  document.getElementById("form").addEventListener("submit", send);
  document.getElementById("trial").hidden = false;
  pick("Login");
  root.classList.add("is-ready");
  // The samples that are hidden now stood above the place that the address names.
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
});
