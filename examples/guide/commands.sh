set -eu
# #region list
npx tidegate queue:list
# #endregion
npx tidegate queue:enqueue send_email '{"to":"ada@example.com"}' --delay 5m
# #region failures
npx tidegate queue:failures
# #endregion
# #region dlq
npx tidegate queue:dlq
npx tidegate queue:dlq retry --name send_email --dry-run
# #endregion
npx tidegate queue:dlq --since 1h
# #region more
npx tidegate queue:jobs --state scheduled --limit 5
npx tidegate queue:jobs --search to=ada@example.com
npx tidegate queue:jobs cancel --name send_email --dry-run          # counts, and shows ten
npx tidegate queue:jobs reschedule --all --state scheduled --delay 1h
npx tidegate queue:schedules upcoming
npx tidegate queue:signal reply-42 '{"text":"yes"}' --keep 1h       # for a job that waits for it
npx tidegate queue:work --once                                      # a handler drains until nothing is due
# #endregion
# #region flow
npx tidegate queue:flow set mail-provider --rate 10 --period 1m
npx tidegate queue:flow pause tenant-acme
npx tidegate queue:flow
# #endregion
npx tidegate queue:clear --yes
# #region doctor
npx tidegate queue:doctor
# #endregion
