set -eu
# #region try
curl "$TIDEGATE_URL/jobs" -H "Authorization: Bearer $TIDEGATE_ENQUEUE_TOKEN" --json '{"name":"greet","payload":{"who":"Ada"}}'
curl "$TIDEGATE_URL/jobs?state=completed" -H "Authorization: Bearer $TIDEGATE_ADMIN_TOKEN"
# #endregion
