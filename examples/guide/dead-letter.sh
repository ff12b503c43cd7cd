set -eu
# #region list
curl "$TIDEGATE_URL/dead-letter?name=send_email" -H "Authorization: Bearer $TIDEGATE_READ_TOKEN"
# #endregion
# #region failures
curl "$TIDEGATE_URL/failures" -H "Authorization: Bearer $TIDEGATE_READ_TOKEN"
# #endregion
# #region retry
curl "$TIDEGATE_URL/dead-letter/retry" -H "Authorization: Bearer $TIDEGATE_ADMIN_TOKEN" --json '{"name":"send_email","dryRun":true}'
curl "$TIDEGATE_URL/dead-letter/retry" -H "Authorization: Bearer $TIDEGATE_ADMIN_TOKEN" --json '{"name":"send_email"}'
# #endregion
