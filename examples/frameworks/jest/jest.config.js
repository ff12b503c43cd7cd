module.exports = {
  transformIgnorePatterns: ["/node_modules/(?!(tidegate|uuid)/)"],
};
