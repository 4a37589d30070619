export const greeting = "Hello from the default branch";
export const colour = "#2f5d50";
