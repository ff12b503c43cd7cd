// #region jobs
import { resize, sendEmail } from "./define.ts";
import { importRows } from "./import-rows.ts";

export const jobs = [sendEmail, resize, importRows];
// #endregion
