"use client";
import { useActionState } from "react";
import { signUp } from "./actions";

export function SignUp() {
  const [problem, action, isPending] = useActionState(signUp, undefined);
  return (
    <form action={action}>
      <input name="email" aria-label="Email" required />
      <button type="submit" disabled={isPending}>
        Sign up
      </button>
      {problem && <p role="alert">{problem}</p>}
    </form>
  );
}
