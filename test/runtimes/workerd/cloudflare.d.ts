// The part that the tests use of what workerd and the test pool provide.

declare module "cloudflare:workers" {
  interface DemoWorker {
    fetch(url: string, init?: RequestInit): Promise<Response>;
    scheduled(): Promise<{ readonly outcome: string }>;
  }
  export const exports: { readonly default: DemoWorker };
}

declare module "cloudflare:test" {
  export function createExecutionContext(): import("tidegate/cloudflare").ExecutionContext;
  export function waitOnExecutionContext(context: import("tidegate/cloudflare").ExecutionContext): Promise<void>;
}
