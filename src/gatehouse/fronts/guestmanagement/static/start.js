// Shows the description on the page. `validatorUrl: null`: Swagger UI would ask a server of its makers.
window.SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#description",
  validatorUrl: null,
  deepLinking: true,
});
