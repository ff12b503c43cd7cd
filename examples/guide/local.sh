set -eu
# #region tick
npx tidegate queue:work
# #endregion
