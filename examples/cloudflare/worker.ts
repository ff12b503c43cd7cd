import { createDemo } from "./demo.ts";

export default createDemo();
