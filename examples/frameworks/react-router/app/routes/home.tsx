import { Form } from "react-router";
import { queue, sendWelcome } from "../queue.server";

// #region action
export async function action({ request }: { request: Request }) {
  const form = await request.formData();
  await queue.enqueue(sendWelcome, { to: String(form.get("email")) });
  return null;
}
// #endregion action

export default function Home() {
  return (
    <Form method="post">
      <input name="email" type="email" required />
      <button type="submit">Sign up</button>
    </Form>
  );
}
