import { fails, sendEmail } from "../../support/jobs.ts";

export { fails, sendEmail };

export const jobs = [sendEmail, fails];
