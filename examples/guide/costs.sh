set -eu
# #region cost
npx tidegate queue:cost --jobs 20000 --plan free
# #endregion
