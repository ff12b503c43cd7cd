set -eu
# #region stats
curl "$TIDEGATE_URL/stats" -H "Authorization: Bearer $TIDEGATE_READ_TOKEN"
curl "$TIDEGATE_URL/health" # needs no token: for monitors
# #endregion
