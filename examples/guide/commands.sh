set -eu
# #region list
npx tidegate queue:list
# #endregion
# #region enqueue
npx tidegate queue:enqueue send_email '{"to":"ada@example.com"}' --delay 5m
# #endregion
# #region signal
npx tidegate queue:signal reply-42 '{"text":"yes"}' --keep 1h
# #endregion
# #region drive
npx tidegate queue:work --once
# #endregion
# #region failures
npx tidegate queue:failures
# #endregion
# #region dlq
npx tidegate queue:dlq
npx tidegate queue:dlq retry --name send_email --dry-run
# #endregion
# #region since
npx tidegate queue:dlq --since 1h --all-queues
# #endregion
# #region jobs
npx tidegate queue:jobs
npx tidegate queue:jobs --state completed --limit 5
# #endregion
# #region search
npx tidegate queue:jobs --search to=ada@example.com --in payload
# #endregion
# #region schedules
npx tidegate queue:schedules
npx tidegate queue:schedules upcoming
# #endregion
# #region pending
npx tidegate queue:jobs cancel --name send_email --dry-run
npx tidegate queue:jobs reschedule --all --state scheduled --delay 1h
# #endregion
# #region flow
npx tidegate queue:flow set mail-provider --rate 10 --period 1m
npx tidegate queue:flow pause tenant-acme
npx tidegate queue:flow
# #endregion
# #region clear
npx tidegate queue:clear --yes
# #endregion
# #region doctor
npx tidegate queue:doctor
# #endregion
