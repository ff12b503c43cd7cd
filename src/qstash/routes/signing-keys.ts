import { internalsOf } from "../../core/queue/internals.ts";
import type { QStashCall } from "../api/call.ts";
import { json } from "../api/responses.ts";

/** `GET /v2/keys` */
export async function getKeys({ host, settings }: QStashCall): Promise<Response> {
  return json(await settings.keys.read(internalsOf(host.queue).documents));
}

/** `POST /v2/keys/rotate` */
export async function rotateKeys({ host, settings }: QStashCall): Promise<Response> {
  return json(await settings.keys.rotate(internalsOf(host.queue).documents));
}
