// What every request costs in workerd, whatever the Worker does.
export default { fetch: () => new Response("{}") };
