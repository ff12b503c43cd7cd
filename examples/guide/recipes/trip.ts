import { defineJob, PermanentError, type Queue } from "tidegate";
import { sendMail } from "../jobs-enqueue-jobs.ts";
import { storeRow, table } from "../services.ts";

// #region define
interface Trip {
  readonly trip: string;
  readonly email: string;
}

interface Reservation {
  readonly trip: string;
  readonly what: string;
}

const needed = ["flight", "hotel", "car"];

export const reserve = defineJob({
  name: "reserve",
  async perform({ trip, what }: Reservation) {
    if (table.has(`cancelled ${trip}`)) throw new PermanentError("The trip is cancelled.");
    if (table.has(`sold out: ${what}`)) throw new PermanentError("Sold out."); // no retry will help
    await storeRow(`${what} of ${trip}`, "reserved");
  },
});

export const release = defineJob({
  name: "release",
  async perform({ trip, what }: Reservation) {
    await storeRow(`${what} of ${trip}`, "free"); // also if it was never reserved
  },
});

export const finishTrip = defineJob({
  name: "finish_trip",
  async perform({ trip, email }: Trip, job) {
    const { total = 0, completed = 0 } = job.children ?? {};
    if (completed === total) {
      job.enqueue(sendMail, { to: email, subject: "Your trip is booked" });
      return;
    }
    await storeRow(`cancelled ${trip}`, "yes");
    for (const what of needed) job.enqueue(release, { trip, what });
    job.enqueue(sendMail, { to: email, subject: "We could not book your trip" });
  },
});

export const bookTrip = (queue: Queue, { trip, email }: Trip) =>
  queue.enqueue(
    finishTrip,
    { trip, email },
    { id: `trip-${trip}`, children: needed.map((what) => ({ job: reserve, payload: { trip, what } })) },
  );
// #endregion
