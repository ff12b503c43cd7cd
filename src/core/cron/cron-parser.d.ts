// The package declares its types at its root, which also reads files: `fs` does not exist on every platform.
declare module "cron-parser/dist/CronExpressionParser.js" {
  export { CronExpressionParser } from "cron-parser";
}
