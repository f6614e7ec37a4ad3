"use strict";

// No validator: the document stays on this node.
SwaggerUIBundle({ url: "schema", dom_id: "#docs", validatorUrl: null, deepLinking: true });
