import { colour, greeting } from "./greeting.js";

document.documentElement.style.setProperty("--colour", colour);
document.querySelector("main").innerHTML = `
  <h1>${greeting}</h1>
  <p>This page was cloned, built in a container by <code>npm ci && npm run build</code>, and published by Catapult.</p>
`;
