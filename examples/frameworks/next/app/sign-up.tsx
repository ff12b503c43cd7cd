"use client";
import { useActionState } from "react";
import { useJob } from "tidegate/react";
import { signUp } from "./actions";

export function SignUp() {
  const [{ problem, token }, action, isPending] = useActionState(signUp, {});
  return (
    <form action={action}>
      <input name="email" placeholder="you@example.com" aria-label="Email" required />
      <button type="submit" disabled={isPending}>
        Sign up
      </button>
      {problem && <p role="alert">{problem}</p>}
      {token && <Welcome token={token} />}
    </form>
  );
}

/** Follows the job while it runs. */
function Welcome({ token }: { token: string }) {
  const { state, watchError } = useJob({ url: "/api/queue", token });
  if (watchError) return <p role="alert">{watchError.message}</p>;
  return (
    <output>
      {state === "completed" ? "Your welcome email is on its way." : `The job is ${state ?? "starting"}.`}
    </output>
  );
}
