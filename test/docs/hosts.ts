/** Each host that a text of this project may name, and why. Names reserved for examples need no reason. */
const allowed: Readonly<Record<string, string>> = {
  "upstash.com": "documentation and prices of Upstash, whose Redis keeps the jobs",
  "qstash.upstash.io": "the address of QStash, which its SDKs expect",
  "eu1.upstash.io": "an address in the form that Upstash gives",
  "developers.cloudflare.com": "documentation of Workers and wrangler",
  "vercel.com": "documentation of Vercel",
  "openapi.vercel.sh": "the schema of vercel.json",
  "docs.netlify.com": "documentation of Netlify",
  "learn.microsoft.com": "how to install WSL",
  "resend.com": "documentation of the mail service of an example",
  "api.resend.com": "the API of the mail service of an example",
  "docs.slack.dev": "documentation of the webhooks that alerts can call",
  "docs.bullmq.io": "documentation of a queue that we compare with",
  "www.inngest.com": "documentation and prices of a service that we compare with",
  "trigger.dev": "documentation and prices of a service that we compare with",
  "cron-job.org": "a service that can wake a drain",
  "www.w3.org": "specifications, and the namespaces of SVG",
  "www.standardwebhooks.com": "the specification of signatures",
  "standardschema.dev": "the specification of schemas",
  "prometheus.io": "the format of metrics",
  "opentelemetry.io": "the conventions of traces",
  "semver.org": "the meaning of versions",
  "no-color.org": "the convention of NO_COLOR",
  "www.isthe.com": "the source of a hash function",
  "redis.io": "documentation and installation of Redis",
  "skills.sh": "the directory of skills for assistants",
  "deb.debian.org": "where apt gets packages of Debian",
  "metadata.google.internal": "an address that no webhook may call",
  "in.a.value": "a test of texts that contain an address",
  "starter.your-name.workers.dev": "the form of a Worker's address",
  "your-app.vercel.app": "the form of a deployment's address",
};

/** Repositories on GitHub that a text may name: none yet. */
const allowedRepositories: readonly string[] = [];

const isReserved = (host: string) =>
  /(^|\.)(example|test|invalid|localhost)$/.test(host) || /(^|\.)example\.(com|org|net)$/.test(host);

/** A host, and on GitHub the repository: in a URL, as Git clones over SSH, or in the short form of npm, `github:`. */
const address =
  /(?:(?:https?|git|ssh):\/\/(?:git@)?|\bgit@)([a-z\d-]+(?:\.[a-z\d-]+)*\.[a-z]{2,})(?:[/:]([\w.-]+\/[\w.-]+))?|\bgithub:([\w-]+\/[\w.-]+)/gi;

/** Each address of a host that is not on the list, with its place and what to do. */
export function foreignHosts(file: string, text: string): readonly string[] {
  return text.split("\n").flatMap((line, index) =>
    [...line.matchAll(address)].flatMap(([, name = "github.com", path = "", short = path]) => {
      const host = name.toLowerCase();
      if (host === "github.com" && allowedRepositories.includes(short)) return [];
      if (isReserved(host) || host in allowed) return [];
      const found = host === "github.com" && short ? `${host}/${short}` : host;
      return `${file}:${index + 1}: ${found} is not on the list in test/docs/hosts.ts. If it is not ours or well known, leave it out; else add it with its reason.`;
    }),
  );
}
