export { buffer as readBody } from "node:stream/consumers";
export { type HttpServer, sendJson, serveFetch, serveHttp } from "../../src/dev/http-server.ts";
