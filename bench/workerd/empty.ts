// The cost of every request in workerd, whatever the Worker does.
export default { fetch: () => new Response("{}") };
