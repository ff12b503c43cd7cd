set -eu
# #region one
curl "$TIDEGATE_URL/jobs" -H "Authorization: Bearer $TIDEGATE_ENQUEUE_TOKEN" \
  --json '{"name":"send_email","payload":{"to":"ada@example.com"},"delay":"5m","id":"welcome-ada"}'
# #endregion
# #region each
curl "$TIDEGATE_URL/jobs?each=true" -H "Authorization: Bearer $TIDEGATE_ENQUEUE_TOKEN" \
  --json '[{"name":"send_email","payload":{"to":"cleo@example.com"}},{"name":"send_email","payload":{"to":7}}]'
# #endregion
