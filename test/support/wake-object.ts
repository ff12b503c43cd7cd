import type { WakeObjectStorage } from "../../src/platforms/cloudflare.ts";

/** The storage of a Durable Object, which shows the time of its alarm. */
export function objectStorage() {
  const values = new Map<string, number>();
  const storage: WakeObjectStorage & { alarm: number | null } = {
    alarm: null,
    getAlarm: async () => storage.alarm,
    setAlarm: async (at: number) => {
      storage.alarm = at;
    },
    get: async (key: string) => values.get(key),
    put: async (key: string, value: number) => void values.set(key, value),
    delete: async (key: string) => values.delete(key),
  };
  return storage;
}
