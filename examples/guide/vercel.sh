set -eu
# #region drain
curl -fsS "$APP_URL/api/queue/drain" -H "Authorization: Bearer $CRON_SECRET"
# #endregion
