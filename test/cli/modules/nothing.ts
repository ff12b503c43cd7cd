export const answer = 42;
export default { name: "no job", drain: "no queue" };
