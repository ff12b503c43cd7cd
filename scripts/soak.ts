// npm run soak: tries to break what docs/guarantees.md promises, at length.
export { main } from "../test/soak/main.ts";
