set -eu
# #region work
npx tidegate queue:work --workers 4 --module ./queue-jobs.ts
# #endregion
