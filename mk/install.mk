# `make install`: the release programs, units, users and a config file for each program.
# PREFIX, SYSCONFDIR and UNITDIR as everywhere; DESTDIR puts the tree aside (for packages) and changes nothing else on
# this machine.  A config file that is there stays.
PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
SYSCONFDIR ?= /etc
UNITDIR    ?= $(PREFIX)/lib/systemd/system
SYSUSERDIR ?= $(PREFIX)/lib/sysusers.d

PROGRAMS := trunkline-control trunkline-edge
UNITS_SYSTEMD := $(notdir $(wildcard mk/systemd/*.service mk/systemd/*.socket))
CONFIGS := control.json edge.json

install: release ## installs the release programs, systemd units and configs (PREFIX, DESTDIR, SYSCONFDIR)
	@install -d '$(DESTDIR)$(BINDIR)' '$(DESTDIR)$(UNITDIR)' '$(DESTDIR)$(SYSUSERDIR)' '$(DESTDIR)$(SYSCONFDIR)/trunkline'
	@set -e; for program in $(PROGRAMS); do \
	    install -m 0755 "build/release/$$program" "$(DESTDIR)$(BINDIR)/$$program"; done
	@set -e; for unit in $(UNITS_SYSTEMD); do \
	    sed -e 's|@BINDIR@|$(BINDIR)|g' -e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g' "mk/systemd/$$unit" \
	        >"$(DESTDIR)$(UNITDIR)/$$unit"; chmod 0644 "$(DESTDIR)$(UNITDIR)/$$unit"; done
	@install -m 0644 mk/systemd/trunkline.sysusers '$(DESTDIR)$(SYSUSERDIR)/trunkline.conf'
	@set -e; for config in $(CONFIGS); do \
	    test -e "$(DESTDIR)$(SYSCONFDIR)/trunkline/$$config" || \
	    install -m 0644 "mk/config/$$config" "$(DESTDIR)$(SYSCONFDIR)/trunkline/$$config"; done
	@if [ -z '$(DESTDIR)' ]; then systemd-sysusers '$(SYSUSERDIR)/trunkline.conf' && systemctl daemon-reload || \
	    echo 'no systemd here: make the users trunkline-control and trunkline-edge by hand'; fi

uninstall: ## removes what install put there, but configs and state
	@set -e; for program in $(PROGRAMS); do rm -f "$(DESTDIR)$(BINDIR)/$$program"; done
	@set -e; for unit in $(UNITS_SYSTEMD); do rm -f "$(DESTDIR)$(UNITDIR)/$$unit"; done
	@rm -f '$(DESTDIR)$(SYSUSERDIR)/trunkline.conf'

.PHONY: install uninstall
