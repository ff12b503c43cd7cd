// Untyped, and without the package: anything with a name and a perform is a job.
export default { plain: { name: "plain", perform() {} } };
