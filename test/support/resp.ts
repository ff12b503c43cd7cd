export { type Reply, RespClient, RespError } from "../../src/dev/resp.ts";
