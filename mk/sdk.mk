# The official SDK that the tests drive, by its lock file.  The registry is whatever npm is set up to ask.
SDK_STAMP := build/sdk/.installed

sdk: $(SDK_STAMP) ## installs the npm packages that the SDK's test needs, when they are missing
$(SDK_STAMP): tests/sdk/package.json tests/sdk/package-lock.json tests/sdk/.npmrc | $(DEPS_STAMP)
	@mkdir -p $(@D)
	@cp tests/sdk/package.json tests/sdk/package-lock.json tests/sdk/.npmrc $(@D)
	@cd $(@D) && npm ci --ignore-scripts --no-progress --loglevel=error
	@touch $@

.PHONY: sdk
