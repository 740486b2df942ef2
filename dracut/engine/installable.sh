# shellcheck shell=bash disable=SC2154 # dracut sets the variables

# Whether dracut can install all of these modules, and what they depend on. dracut leaves a module out if one that it
# depends on cannot be installed: because it is omitted (--omit), is not there, or lacks a program.
# This asks dracut itself, in a subshell, because dracut chooses a module by checking it.
are_installable() (
    for module in "$@"; do
        [[ " $omit_dracutmodules " != *" $module "* ]] || exit 1
        # with a list of modules (--modules), what one of them depends on counts as listed
        [[ $dracutmodules == all ]] || dracutmodules+=" $module "
        check_module "$module" &>/dev/null || exit 1
    done
)
