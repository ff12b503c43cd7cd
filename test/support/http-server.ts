export { type HttpServer, readBody, sendJson, serveFetch, serveHttp } from "../../src/dev/http-server.ts";
