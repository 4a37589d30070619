export const greeting = "Hello from a pull request";
export const colour = "#8a3b12";
