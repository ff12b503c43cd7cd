set -eu
# #region drain
curl -X POST "$TIDEGATE_URL/drain?maxJobs=500&timeBudget=20s" -H "Authorization: Bearer $TIDEGATE_DRAIN_TOKEN"
# #endregion
