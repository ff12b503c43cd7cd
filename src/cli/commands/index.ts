import type { Session } from "../session.ts";
import { addClear } from "./clear.ts";
import { addDeadLetter } from "./dead-letter.ts";
import { addDev } from "./dev.ts";
import { addDoctor } from "./doctor.ts";
import { addEnqueue } from "./enqueue.ts";
import { addFailures } from "./failures.ts";
import { addFlow } from "./flow.ts";
import { addJobs } from "./jobs.ts";
import { addList } from "./list.ts";
import { addPause, addResume } from "./pause.ts";
import { addRekey } from "./rekey.ts";
import { addSchedules } from "./schedules.ts";
import { addSignal } from "./signal.ts";
import { addWork } from "./work.ts";

export type AddCommand = (session: Session) => void;

/** Every command, in the order of the help. */
export const commands: readonly AddCommand[] = [
  addDev,
  addWork,
  addList,
  addEnqueue,
  addSignal,
  addJobs,
  addFailures,
  addDeadLetter,
  addSchedules,
  addFlow,
  addPause,
  addResume,
  addClear,
  addRekey,
  addDoctor,
];
