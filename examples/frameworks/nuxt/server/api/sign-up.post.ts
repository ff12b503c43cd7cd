export default defineEventHandler(async (event) => {
  const { email } = await readBody(event);
  const { id } = await queue.enqueue(sendWelcome, { to: email });
  event.waitUntil(queue.drain({ timeBudget: "10s" })); // after the response
  return { id };
});
