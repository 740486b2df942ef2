# One line over ordinary tools for everything a developer does. `make` says what there is.

PYTHON ?= python3
BIN := .venv/bin

SITE ?= mkdocs
FUZZ ?= --inputs 1000000 --seconds 600
FAST := not slow and not disks and not boot and not network and not peer
SYSTEM := $(DESTDIR)/usr/lib/systemd/system
INITRAMFS_TOOLS := $(DESTDIR)/usr/share/initramfs-tools
AFTER_BOOT := dracut/provision-complete.service
MKOSI_INITRD := $(DESTDIR)/usr/lib/mkosi-initrd/mkosi.conf.d/provision
define INSTALL_CONTENTS
install -D -m 755 -t $(DESTDIR)/usr/share/provision dracut/engine/kargs-helper.py
install -D -m 644 -t $(DESTDIR)/usr/share/provision dracut/engine/collect.py dracut/engine/contents.sh initramfs-tools/common.sh
endef
define INSTALL_AFTER_BOOT
install -D -m 644 -t $(SYSTEM) $(AFTER_BOOT)
	install -d $(SYSTEM)/multi-user.target.wants
	ln -sf ../$(notdir $(AFTER_BOOT)) $(SYSTEM)/multi-user.target.wants/
endef
# The unit tests start hundreds of programs. Container images often forbid byte-code, which doubles what a start costs.
export PYTHONDONTWRITEBYTECODE :=
WORKERS := $(shell echo $$(($$(nproc) * 2)))

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo: .venv/demo ## provision a disk image from examples/web-server.yaml and show what is on it (as root)
	@examples/demo.sh

check: .venv/check ## the fast part: format, lint, types, unit tests
	@$(MAKE) --no-print-directory --jobs lint fast-tests

test: .venv/test ## everything, on real block devices and in a virtual machine (as root)
	@$(MAKE) --no-print-directory --jobs lint all-tests

# mypy uses one processor only, a quarter of a minute at its first run: the tests run beside it.
lint:
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/ruff check --quiet
	@$(BIN)/mypy --no-error-summary

fast-tests:
	@env -u MAKEFLAGS $(BIN)/pytest -q -n $(WORKERS) -m "$(FAST)" --hypothesis-profile=few

# a make that a test starts has nothing to do with this one
all-tests:
	@env -u MAKEFLAGS $(BIN)/pytest -q -n $(WORKERS) --dist loadgroup --no-loadscope-reorder

boot: .venv/test ## the boot test alone, with its figures
	@$(BIN)/pytest -q -s -m boot tests/real/boot

bench-boot: .venv/test ## what a boot costs without us, with us, and with Debian's Ignition (as root; half an hour)
	@nice $(BIN)/python -m tests.real.boot.bench

boot-matrix: .venv/test ## many kinds of machines, booted one after the other (as root; MATRIX="-k hostonly")
	@nice $(BIN)/pytest -v -s -n 0 -o 'python_files=[a-z]*.py' tests/real/boot/matrix $(MATRIX)

chaos: .venv/check ## faults at every system call that changes something, then the run again (as root; CHAOS="--points 500 --seed 1")
	@$(BIN)/python -m tests.real.chaos $(CHAOS)

fuzz: .venv/check ## odd texts for all that reads a config (FUZZ="--seconds 60")
	@$(BIN)/python -m tests.config.fuzz $(FUZZ)

laws: .venv/check ## the property tests, with many more examples (an hour)
	@$(BIN)/pytest -q -n auto -m "hypothesis and $(FAST)" --hypothesis-profile=fuzz

generate: .venv/check ## write schemas and reference pages anew, and delete stale ones
	@$(BIN)/python -m docs.generate

bench: .venv/test ## what a start costs, and how the parts perform (beside the peers on PATH)
	@for bench in $(subst /,.,$(basename $(filter-out tests/real/boot/bench.py,$(wildcard tests/bench.py tests/*/bench.py tests/*/*/bench.py)))); do $(BIN)/python -m $$bench; done

golden: .venv/check ## refresh the golden cases of the transpiler from `butane`, `ct` and `ct-coreos` on PATH, and the reports of mistakes
	@$(BIN)/python -m tests.transpiler.golden
	@$(BIN)/python -m tests.transpiler.container_linux.golden
	@$(BIN)/python -m tests.transpiler.mistakes

mutants: .venv/check ## sampled changes of the code that unit tests should notice (MUTANTS="--count 50 --seed 1")
	@nice $(BIN)/python -m tests.mutants $(MUTANTS)

install-dracut: ## install the dracut modules, the unit that ends a first boot, and the part for GRUB (DESTDIR=)
	@dracut/install "$(DESTDIR)"
	install -D -m 755 -t $(DESTDIR)/etc/grub.d packaging/grub.d/09_provision
	install -D -m 644 -t $(DESTDIR)/usr/share/man/man8 docs/man/provision-first-boot-archive.8

install-initramfs-tools: ## install the hook and scripts for initramfs-tools, and the unit that ends a first boot (DESTDIR=)
	install -D -m 755 initramfs-tools/hook $(INITRAMFS_TOOLS)/hooks/provision
	for place in init-premount local-premount nfs-premount; do \
		install -D -m 755 initramfs-tools/disks $(INITRAMFS_TOOLS)/scripts/$$place/provision; done
	for place in local-bottom nfs-bottom; do \
		install -D -m 755 initramfs-tools/files $(INITRAMFS_TOOLS)/scripts/$$place/provision; done
	install -D -m 755 initramfs-tools/check $(INITRAMFS_TOOLS)/scripts/init-bottom/provision
	install -D -m 644 -t $(DESTDIR)/usr/share/provision initramfs-tools/functions
	$(INSTALL_CONTENTS)
	$(INSTALL_AFTER_BOOT)

install-mkosi-initrd: ## install the settings and the script for mkosi-initrd, and the unit that ends a first boot (DESTDIR=)
	install -D -m 755 packaging/mkosi-initrd/mkosi.postinst $(MKOSI_INITRD)/mkosi.postinst
	install -D -m 644 packaging/mkosi-initrd/emergency.conf $(MKOSI_INITRD)/emergency.conf
	packaging/mkosi-initrd/settings dracut/engine/contents.sh >$(MKOSI_INITRD)/mkosi.conf
	install -D -m 644 -t $(DESTDIR)/usr/share/provision/units $(filter-out %module-setup.sh,$(wildcard dracut/units/*))
	$(INSTALL_CONTENTS)
	$(INSTALL_AFTER_BOOT)

install-metadata: ## install the units of the running system: the platform's metadata, growing partitions (DESTDIR=, ALIASES=yes for Afterburn's names)
	install -D -m 644 -t $(SYSTEM) packaging/systemd/*.service
	install -D -m 644 -t $(SYSTEM)-preset packaging/systemd/90-provision.preset
ifdef ALIASES
	ln -sf provision-metadata.service $(SYSTEM)/afterburn.service
	ln -sf provision-metadata.service $(SYSTEM)/coreos-metadata.service
	ln -sf provision-sshkeys@.service $(SYSTEM)/afterburn-sshkeys@.service
	ln -sf provision-sshkeys@.service $(SYSTEM)/coreos-metadata-sshkeys@.service
endif

site: .venv/check ## the documentation as a site, into dist/site; a dead link is an error (SITE=zensical for the other builder)
	@$(BIN)/pip install --quiet --group site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/$(SITE) build --strict

page: .venv/check page/node_modules ## the page to try a config in a browser, into dist/page (needs npm)
	@$(BIN)/python -m page.build dist/page

page/node_modules: page/package-lock.json
	@cd page && npm ci --ignore-scripts --no-fund --no-audit --silent
	@touch $@

page-test: page ## drive the page with Chromium (chromium, chromium-headless-shell or google-chrome on PATH)
	@$(BIN)/pip install --quiet --group page
	@$(BIN)/pytest -q -rs -n 0 tests/page/chromium.py

deb: ## Debian packages of the engine, the transpiler and the dracut module, into dist/
	@packaging/build-deb dist

# The environment: what authors install is enough for `demo`; `check` and `test` each add to it.
.venv/demo: pyproject.toml .ci/packages
	@.ci/install demo
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable .
	@touch $@

.venv/check: .venv/demo
	@.ci/install check
	@$(BIN)/pip install --quiet --editable '.[lsp,machine]' --group dev
	@touch $@

.venv/test: .venv/check
	@.ci/install test
	@$(BIN)/pip install --quiet --group services
	@touch $@

clean: ## remove what was made
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

.PHONY: help demo check test lint fast-tests all-tests boot boot-matrix bench-boot chaos fuzz laws generate bench golden mutants install-dracut install-initramfs-tools install-mkosi-initrd install-metadata site page page-test deb clean
