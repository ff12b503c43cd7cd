import { connection } from "next/server";
import { Suspense } from "react";
import { queue } from "@/queue";
import { SignUp } from "./sign-up";

export default function Page() {
  return (
    <main>
      <SignUp />
      <Suspense>
        <Pending />
      </Suspense>
    </main>
  );
}

async function Pending() {
  await connection(); // Cache Components: reads the queue for each request, not at the build
  const { pendingCount } = await queue.getStats();
  return <p>{pendingCount} emails to send</p>;
}
