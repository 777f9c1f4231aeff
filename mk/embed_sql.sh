#!/bin/sh
# Writes migrations as one C file to stdout: embed_sql.sh HEADER FILE...
# HEADER declares `struct <stem>_migration {int number; const char *name, *sql;}` and `<stem>_migration_at`.
set -eu
header=$1
stem=$(basename "$header" .h)
shift
echo '/* Made by mk/embed_sql.sh. */'
echo "#include \"$header\""
echo "static const struct ${stem}_migration migrations[] = {"
for file in "$@"; do
    name=$(basename "$file" .sql)
    number=$(expr "$name" : '0*\([1-9][0-9]*\)_')
    printf '    {%s, "%s",\n' "$number" "$name"
    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/     "/' -e 's/$/\\n"/' "$file"
    echo '    },'
done
cat <<END
};

const struct ${stem}_migration *${stem}_migration_at(size_t index)
{
    return index < countof(migrations) ? &migrations[index] : NULL;
}
END
