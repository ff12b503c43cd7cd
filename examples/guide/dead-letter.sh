set -eu
# #region retry
curl "$TIDEGATE_URL/dead-letter/retry" -H "Authorization: Bearer $TIDEGATE_ADMIN_TOKEN" --json '{"name":"send_email","dryRun":true}'
curl "$TIDEGATE_URL/dead-letter/retry" -H "Authorization: Bearer $TIDEGATE_ADMIN_TOKEN" --json '{"name":"send_email"}'
# #endregion
