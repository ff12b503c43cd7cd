import { connection } from "next/server";
import { Suspense } from "react";
import { queue } from "@/queue";
import { signUp } from "./actions";

export default function Page() {
  return (
    <main>
      <form action={signUp}>
        <input name="email" type="email" required />
        <button type="submit">Sign up</button>
      </form>
      <Suspense>
        <Pending />
      </Suspense>
    </main>
  );
}

async function Pending() {
  await connection(); // Cache Components: reads the queue for each request, not at the build
  const { pendingCount } = await queue.getStats();
  return <p>{pendingCount} mails to send</p>;
}
