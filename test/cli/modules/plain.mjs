// Without a type, and without the package: what has a name and something to perform is a job.
export default { plain: { name: "plain", perform() {} } };
