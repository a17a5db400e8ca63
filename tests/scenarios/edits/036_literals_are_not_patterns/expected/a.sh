echo "$2 \2 \g<0> $$ $& (.+)"
echo done
