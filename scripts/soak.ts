// npm run soak: tries to break what docs/internals/guarantees.md promises, at length.
export { main } from "../test/soak/main.ts";
