// Shows the description on the page, which may stand behind a path. `validatorUrl: null`: Swagger UI would ask a server of its makers.
window.SwaggerUIBundle({
  url: new URL("../openapi.json", document.currentScript.src).href,
  dom_id: "#description",
  validatorUrl: null,
  deepLinking: true,
});
