// Checks length and variety while one types, and lets one see the password. The server decides all the same.
"use strict";

const form = document.getElementById("choose");
const field = document.getElementById("new-password");
const refusal = document.getElementById("refusal");
const progress = document.getElementById("progress");
const show = document.getElementById("show");
const rules = [...form.querySelectorAll("[data-check]")];

// The server counts characters, of which some are two units of a JavaScript string.
const checks = {
  length: (characters) => characters.length >= Number(form.dataset.min) && characters.length <= Number(form.dataset.max),
  variety: (characters) => new Set(characters).size >= Number(form.dataset.variety),
};

function isMet(rule) {
  return checks[rule.dataset.check]([...field.value]);
}

function mark() {
  for (const rule of rules) {
    const met = isMet(rule);
    rule.classList.toggle("is-met", met);
    rule.querySelector(".met").hidden = !met;
  }
}

// A screen reader is told after a pause, because it would otherwise talk over each key.
let pause;
function tell() {
  const unmet = rules.filter((rule) => !isMet(rule)).map((rule) => rule.querySelector(".rule").textContent);
  progress.textContent = unmet.length ? `${form.dataset.unmet} ${unmet.join(", ")}` : form.dataset.met;
}

function refuse(text) {
  refusal.textContent = text;
  refusal.hidden = !text;
  if (text) {
    field.setAttribute("aria-invalid", "true");
    field.focus();
  } else {
    field.removeAttribute("aria-invalid");
  }
}

function setShown(shown) {
  if ((field.type === "text") === shown) return;
  field.type = shown ? "text" : "password";
  [show.textContent, show.dataset.other] = [show.dataset.other, show.textContent];
  const label = show.getAttribute("aria-label");
  show.setAttribute("aria-label", show.dataset.otherLabel);
  show.dataset.otherLabel = label;
}

field.addEventListener("input", () => {
  refuse("");
  mark();
  clearTimeout(pause);
  pause = setTimeout(tell, 1000);
});

show.addEventListener("click", () => setShown(field.type === "password"));
show.hidden = false;

let isSending = false;
form.addEventListener("submit", (event) => {
  const unmet = rules.find((rule) => !isMet(rule));
  // What is too long has its own text, and the server says it.
  const isTooLong = [...field.value].length > Number(form.dataset.max);
  if (isSending) {
    event.preventDefault();
  } else if (!field.value || (unmet && !isTooLong)) {
    event.preventDefault();
    refuse(field.value ? unmet.dataset.refusal : form.dataset.missing);
  } else {
    isSending = true;
    // A browser offers to keep what was in a password field only.
    setShown(false);
  }
});

// Whoever comes back to this page by the browser's button may send it again.
window.addEventListener("pageshow", () => {
  isSending = false;
  mark();
});
