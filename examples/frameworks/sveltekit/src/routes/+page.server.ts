import { queue, sendWelcome } from "#lib/server/queue.ts";

export const actions = {
  default: async ({ request }: { request: Request }) => {
    const form = await request.formData();
    await queue.enqueue(sendWelcome, { to: String(form.get("email")) });
  },
};
