import { type Html, html } from "../dom/html.ts";
import { root } from "../state/requests.ts";
import { type Question, state } from "../state/state.ts";
import { button } from "./parts.ts";

const dialog = (title: string, content: Html): Html =>
  html`<dialog aria-label="${title}"><h2>${title}</h2>${content}</dialog>`;

const refusal = (): Html => html`<p class="dead error" role="alert">${state.refusal}</p>`;

/** Asks for confirmation before an action. */
export const questionDialog = ({ title, text, confirm, payload, isDangerous }: Question): Html =>
  dialog(
    title,
    html`<form data-submit="confirm"><p>${text}</p>
${payload && html`<label>Payload, as JSON<textarea name="payload" rows="10" spellcheck="false">${payload}</textarea></label>`}
${refusal()}<div class="row">${button("Go back", "leave")}<button class="primary ${isDangerous && "dead"}" ${state.isActing && html`disabled`}>${confirm}</button></div></form>`,
  );

/**
 * Asks for a token. The first time the browser itself submits the form, so that it can save the token, and returns to the same
 * URL. When a session has ended, the page submits it, so that nothing on the page is lost.
 */
export function signInDialog(isAgain: boolean): Html {
  const form = html`<form method="post" action="${root}dashboard/sign-in${location.hash}" ${isAgain && html`data-submit="sign-in"`}>
<label>Token<input type="password" name="token" required autofocus autocomplete="current-password"></label>${refusal()}
<p><small>A token with the scope admin or read.</small></p>
<button class="primary">Sign in</button></form>`;
  if (isAgain) return dialog("Your session has ended", form);
  return html`<main class="card"><h1>Sign in to Tidegate</h1>${form}</main>`;
}
